"""An admin API to ask, of a configuration with two teams."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.admin import AdminApi, an_admin_api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[AdminApi]:
    async with an_admin_api(tmp_path) as api:
        yield api
