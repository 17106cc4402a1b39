"""What a policy would make of recorded traffic: from facts and decisions, never from content."""
