// A pool of threads that share out the indices of a loop.
#pragma once

#include <cstddef>
#include <functional>

namespace smartsplat {

// Number of threads that loops use; 0 asks for one for each processor this process may run on.
void set_thread_count(int count);
int thread_count();

// Calls body(i) for every i in [0, count), each once, on the threads of the pool and the caller's. Which
// thread takes which index is not defined, so bodies write to places of their own. The first exception that
// a body throws is thrown again here, after all threads have stopped.
void parallel_for(size_t count, const std::function<void(size_t)>& body);

}  // namespace smartsplat
