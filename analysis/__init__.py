"""Pure functions from recorded rows to statistics, figures, tables and a summary. Nothing here touches hardware."""
