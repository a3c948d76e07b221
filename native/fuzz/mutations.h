// Changes that several targets make.
#pragma once

#include <cstdint>
#include <vector>

#include "container/bytes.h"
#include "fuzz/draft.h"
#include "fuzz/input.h"
#include "fuzz/random.h"

// libFuzzer's own, of plain bytes.
void mutate_bytes(std::vector<uint8_t>& bytes, size_t most);

// Another view, often one at the edges of what there is in this file.
void mutate_request(Request& request, smartsplat::Bytes file, Random& random);

// A size of the picture: mostly small, for large ones take long, sometimes at the limits; or grey or not.
void mutate_size(Draft& draft, Random& random);

// A number from `least` to `most`, often one of both, or one of the next.
int edgy(int least, int most, Random& random);
