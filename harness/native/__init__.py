"""What is compiled, loaded and called: extensions, memory, the clock, softmax itself; and what disturbs the machine."""
