// Views of a low band of the wavelet transform, in place of the nodes that it stands for where they are seen small.
//
// What is left out are the finer bands alone: a view has the same weights for the low band's values as if these had
// been transformed back to nodes with zeros for all finer coefficients, and borders are what they are there. What finer
// bands would show then are waves that a pixel of the view blurs.
#pragma once

namespace smartsplat {

// Values of the low band for each pixel of the view along an axis, at least. Exact views leave out what nobody can see,
// drafts what nobody looks for: against views of all bands they had at least 86 and 48 dB, two photographs at CR 200.
constexpr double kExactDensity = 3.9;  // 4 and 2, but for the rounding of sides
constexpr double kDraftDensity = 1.95;
// Sketches are for the moment until a draft is there, and lack waves that can be seen.
constexpr double kSketchDensity = 0.5;
constexpr double kAnyBlur = 1;  // as if the pixels were large enough for whatever the density says

// The level of the low band that a view so small needs, at most `levels`. `most_zoom` is the greater of its zooms, and
// `blur` must be that of its pixels' extent, or nothing is left out.
int low_level(int spacing, int levels, double most_zoom, double blur, double density);

// Nodes on either side of a value of the low band of a level that are made of it, or, for all levels but the first, the
// values of the low band before.
constexpr int kMostLowReach = 9;
int low_reach(int level);
// Nodes on either side that a value of the low band behind so many levels reaches.
double whole_low_reach(int levels);

// What of a value of the low band of a level, which has the place of the value 2 * value of the one before, is in a
// value of a line of `count` there, at least two, along one axis.
float low_share(int level, int node, int value, int count);

}  // namespace smartsplat
