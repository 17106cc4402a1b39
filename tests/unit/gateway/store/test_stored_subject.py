"""What was decided about somebody: roles, a block, or nothing yet."""

from gateway.store.stored_subject import StoredSubject, SubjectBlocked


def test_about_most_people_nothing_was_decided():
    ada = StoredSubject("ada")
    assert (ada.is_blocked, ada.roles, ada.kind) == (False, frozenset(), "person")


def test_a_block_has_its_time_also_at_the_epoch():
    assert StoredSubject("ada", blocked_unix_us=0).is_blocked


def test_who_is_blocked_is_told_with_the_way_back():
    assert "`gatehouse user unblock`" in str(SubjectBlocked(StoredSubject("ada")))
    service = StoredSubject("ci", is_service=True)
    assert "service 'ci' is blocked; `gatehouse user unblock --service`" in str(
        SubjectBlocked(service)
    )
