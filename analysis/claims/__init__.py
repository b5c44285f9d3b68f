"""The paper's claims: what they are about, measured, and judged."""
