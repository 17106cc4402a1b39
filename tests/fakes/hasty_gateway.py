"""`gatehouse`, but one that takes another replica for dead after two seconds, not thirty."""

from functools import partial

from gateway import opening
from gateway.cli import main
from gateway.store.recovery import LaneWatch

if __name__ == "__main__":
    hasty = partial(LaneWatch, look_seconds=0.2, dead_after_seconds=2.0)
    opening.LaneWatch = hasty  # type: ignore[assignment,misc]
    main()
