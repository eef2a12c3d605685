"""The audit's chains: sealing entries, publishing heads, and finding what was changed, is missing or cut off since."""
