"""Tell warnings inside answers: once a session, to a person, and never twice to the model."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.exchange import Edit, Exchange, Outcome, ReplyEdit
from gateway.side_calls import is_turn
from gateway.told import Session, ToldSessions
from gateway.wire.base import Reading
from gateway.wire.note import MARKER, note_of
from gateway.wire.note_form import NoteForm, StreamNote, without_notes
from gateway.wire.places import NoPlace
from policy.types import Allow, Notice
from providers.base import Headers, WireName

WARNING = "warning"


class Note:
    """The warnings that one answer is to tell, until its books are closed."""

    __slots__ = ("_audit_id", "_form", "_is_written", "_notices", "_session", "_stream", "_told")

    def __init__(
        self,
        form: NoteForm,
        notices: tuple[Notice, ...],
        audit_id: str,
        session: Session,
        told: ToldSessions,
    ) -> None:
        self._form = form
        self._notices = notices
        self._audit_id = audit_id
        self._session = session
        self._told = told
        self._stream: StreamNote | None = None
        self._is_written = False

    @property
    def edits(self) -> tuple[ReplyEdit, ...]:
        """What was added to the answer: nothing, or a line for each warning."""
        if not (self._is_written or (self._stream is not None and self._stream.is_written)):
            return ()
        return tuple(
            ReplyEdit(WARNING, each.rule, len(note_of([each], self._audit_id).encode()))
            for each in self._notices
        )

    def into_stream(self) -> StreamNote:
        """The note for this answer's stream."""
        self._stream = self._form.in_stream(self._text)
        return self._stream

    def into_document(self, document: bytes) -> bytes:
        """A whole answer, with the note where there is a place for it."""
        noted = self._form.in_document(document, self._text)
        self._is_written = noted is not None
        return document if noted is None else noted

    def settle(self, outcome: Outcome) -> None:
        """The answer has ended. One that broke off is asked for again, and told again."""
        is_told = bool(self.edits) and outcome in (Outcome.COMPLETE, Outcome.CLIENT_LEFT)
        self._told.settle(self._session, [each.rule for each in self._notices], told=is_told)

    @property
    def _text(self) -> str:
        return note_of(self._notices, self._audit_id)


@dataclass(frozen=True, slots=True)
class Notes:
    """Decides which answers get a note, and takes ours out of conversations that come back."""

    forms: Mapping[WireName, NoteForm]
    told: ToldSessions

    async def begin(
        self, exchange: Exchange, allow: Allow, reading: Reading, headers: Headers
    ) -> Note | None:
        """The note for this answer; None where none is due, or nobody would read it."""
        form, assistant = self.forms.get(exchange.wire), exchange.assistant
        if form is None or not allow.notices:
            return None
        if not is_turn(assistant.name, exchange.identity, exchange.facts, headers):
            return None
        session = Session(exchange.identity.credential_id, assistant.name, assistant.session_id)
        rules = [each.rule for each in allow.notices]
        now = exchange.started_unix_ns // 1_000_000_000
        claimed = await self.told.claim(session, rules, now)
        if not claimed:
            return None
        if not _has_room(form, reading):  # asked last: it reads the conversation
            self.told.settle(session, claimed, told=False)
            return None
        due = tuple(each for each in allow.notices if each.rule in claimed)
        return Note(form, due, exchange.id, session, self.told)

    def taken_out(self, wire: WireName, reading: Reading) -> tuple[Reading, tuple[Edit, ...]]:
        """The request without our notes, and what was taken out. Costs a search where none is."""
        if reading.body.find(MARKER) < 0 or wire not in self.forms:
            return reading, ()
        return without_notes(self.forms[wire], reading)


def _has_room(form: NoteForm, reading: Reading) -> bool:
    try:
        return form.has_room(reading)
    except NoPlace:
        return False
