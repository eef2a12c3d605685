"""What the agency's portal says to whoever needs help, signed in or not."""
