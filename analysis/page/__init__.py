"""The page that a reviewer opens, and the appendix that a committee asks for: rows → tables → page. Its numbers are
those of the tables that figures and verdicts read; nothing is computed here."""
