"""What people read and type: names, the paper's claims, the runs that there are, command lines. It decides no row."""
