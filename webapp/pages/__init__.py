"""What each template may use: one frozen dataclass per template, prepared, without rules left."""
