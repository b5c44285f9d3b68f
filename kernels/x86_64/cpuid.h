// What the processor says of itself. cffi reads this file too, so it has no preprocessor lines.

// eax, ebx, ecx, edx of one CPUID leaf; zeros for a leaf beyond the processor's last.
void cpuid_leaf(uint32_t leaf, uint32_t subleaf, uint32_t registers[4]);
// How long `calls` CPUIDs take: a hypervisor has to be asked for each.
uint64_t canary_cpuid(uint64_t calls);
// XCR0, the register state that the operating system saves; 0 without OSXSAVE.
uint64_t extended_states(void);
