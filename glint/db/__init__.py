"""The wish and what was seen, in tables. Each public function is one transaction."""
