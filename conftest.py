"""Makes the shared fixtures known to every test folder."""

pytest_plugins = ["tests.fixtures.stack", "tests.fixtures.gateway", "tests.fixtures.spans"]
