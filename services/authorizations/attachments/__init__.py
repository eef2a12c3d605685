"""Files that go with a form: encrypted at rest, seen by agents alone, deleted after a time."""
