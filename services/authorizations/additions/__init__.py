"""The guide's form for somebody who is no contact yet: added at once, or looked at by an agent first."""
