"""Requests: what somebody asks and others decide, one machine for every kind."""
