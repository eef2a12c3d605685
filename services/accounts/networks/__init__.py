"""From which networks an address's owner was let in before; strangers elsewhere cannot spend what is theirs there."""
