"""From the terms of use to an open account: registering, the one-time code, sending another one."""
