"""What was decided about people is in memory: blocks for both kinds, roles for persons."""

from gateway.known_subjects import KnownSubjects
from gateway.store.stored_subject import StoredSubject

SECURITY = frozenset({"security"})


def test_nobody_is_blocked_and_nobody_has_a_role_at_first():
    known = KnownSubjects()
    assert not known.is_blocked("ada", False)
    assert known.roles_of("ada") == frozenset()


def test_a_block_is_of_the_person_or_of_the_service():
    known = KnownSubjects()
    known.learn([StoredSubject("ci", is_service=True, blocked_unix_us=1)])
    assert known.is_blocked("ci", True)
    assert not known.is_blocked("ci", False)


def test_what_ends_is_forgotten():
    known = KnownSubjects()
    known.learn([StoredSubject("ada", roles=SECURITY, blocked_unix_us=1)])
    assert known.is_blocked("ada", False)
    assert known.roles_of("ada") == SECURITY
    known.learn([StoredSubject("ada")])
    assert not known.is_blocked("ada", False)
    assert known.roles_of("ada") == frozenset()


def test_a_service_is_granted_nothing():
    known = KnownSubjects()
    known.learn([StoredSubject("ci", is_service=True, roles=SECURITY)])
    assert known.roles_of("ci") == frozenset()
