// Names of what is compiled once for each instruction set; SMARTSPLAT_ISA is that set's name.
#pragma once

#define SMARTSPLAT_STRING_OF(name) #name
#define SMARTSPLAT_STRING(name) SMARTSPLAT_STRING_OF(name)
#define SMARTSPLAT_JOIN_OF(a, b) a##b
#define SMARTSPLAT_JOIN(a, b) SMARTSPLAT_JOIN_OF(a, b)
