"""What this machine is: detected, named, and held against other measurements."""
