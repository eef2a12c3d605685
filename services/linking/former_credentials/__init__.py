"""Former credentials: user name and password of the agency's old system, good once to link what they stood for."""
