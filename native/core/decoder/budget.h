// How much work a decoding may take: limits that follow from the view and from the file's size, far above what any file
// of an encoder needs, so that a small file cannot keep a machine busy.
#pragma once

#include "coding/sections.h"
#include "rendering/ledger.h"
#include "rendering/view.h"

namespace smartsplat {

// Limits are these times `work`, 1 if the caller says nothing else; infinity switches them off.

// For drawing a view of a picture of so many splats.
Ledger ledger_for(const View& view, size_t splats, double work);

// Nodes of a lattice that is read as a whole, at most, if its chunks have so many bytes.
uint64_t most_nodes(uint64_t bytes, double work);

// Throws Error of the kind kLimit if a lattice has more.
void check_lattice(const LatticeHead& head, uint64_t bytes, double work);

// For a part of one, of so many coefficients, under a window of so many px.
void check_lattice_part(uint64_t coefficients, double pixels, double work);

// For so many nodes along the longer side of a part, each of which has weights.
void check_lattice_side(double nodes, double work);

// For a low band of one, whose chunks have so many bytes.
void check_low_band(uint64_t coefficients, uint64_t bytes, double work);

// Throws Error of the kind kLimit if the squares of blocks have more pixels than chunks of so many bytes should.
void check_blocks(double pixels, uint64_t bytes, double work);

}  // namespace smartsplat
