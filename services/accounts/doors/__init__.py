"""The agency's doors: whom each lets register, and whom another issuer signs in."""
