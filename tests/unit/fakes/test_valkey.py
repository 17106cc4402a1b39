"""Each server has its port for itself, whoever else starts or stops one."""

from concurrent.futures import ThreadPoolExecutor

from tests.fakes.valkey import Valkey, a_valkey


def test_the_port_of_one_that_is_stopped_is_given_to_nobody_else() -> None:
    with a_valkey() as stopped:
        stopped.stop()
        with a_valkey() as other:
            stopped.start()
            assert stopped.port != other.port
            assert [answers(stopped), answers(other)] == [True, True]


def test_several_that_start_at_once_have_a_port_each() -> None:
    with ThreadPoolExecutor(4) as pool:
        servers = list(pool.map(lambda _: Valkey(), range(4)))
    answered = [answers(each) for each in servers]
    for each in servers:
        each.leaves()
    assert answered == [True] * 4
    assert len({each.port for each in servers}) == 4


def answers(server: Valkey) -> bool:
    with server.client() as client:
        return bool(client.ping())
