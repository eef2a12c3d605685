"""The addresses that we no longer write to: how one comes onto the list, is checked, shown and released."""
