// Memory for pictures.
#pragma once

#include <cstddef>

namespace smartsplat {

// In huge pages where there are any, since touching a new page costs more than filling it. Not initialised.
void* allocate(size_t bytes);
void release(void* memory) noexcept;

}  // namespace smartsplat
