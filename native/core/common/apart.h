// Functions that must stay functions in browsers.
//
// V8 has a quick, slow translation of each function until a good one is made beside it, and takes the good one when the
// function is called next: what runs for long has to call what takes its time, and what is short is translated sooner.
#pragma once

#ifdef __wasm__
#define SMARTSPLAT_APART [[gnu::noinline]]
#else
#define SMARTSPLAT_APART
#endif
