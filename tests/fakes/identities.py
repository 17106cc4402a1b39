"""The section `identity`, added to small configurations."""

from tests.fakes.configurations import GOOD

PROVIDER = """\
identity:
  oidc:
    - issuer: https://idp.example/realms/acme
      audience: gatehouse
      client_id: gatehouse-cli
      client_secret: ${WORD}
      teams: { eng-web: web, eng-pay: payments }
      roles: { sec: [security], audit: [auditor, finance] }
    - issuer: https://ci.example
      audience: [gatehouse, other]
      subject_prefix: "ci:"
      services: { "repo:acme/web:*": web }
  login: { url: https://gatehouse.example }
"""

WITH_IDENTITY = GOOD + PROVIDER
FIRST_LINE = GOOD.count("\n") + 1
"""The line on which `identity:` stands."""
