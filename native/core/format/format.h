// Every constant of the .ssplat format, once. coding/SPEC.md of the Python package describes the format; Python reads
// these through the extension module.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace smartsplat {

// The container

inline constexpr std::array<uint8_t, 6> kMagic = {0x89, 'S', 'S', 'P', '\r', '\n'};
inline constexpr uint8_t kMajor = 2, kMinor = 0;
inline constexpr uint64_t kGreatestSide = uint64_t{1} << 30;    // px
inline constexpr uint64_t kGreatestNumber = uint64_t{1} << 40;  // that a header can say
inline constexpr uint64_t kCheckBytes = 4;                      // of a CRC-32

// The header's flags: the picture is grey, from the second bit on four of the bits of a sample less 8, and whether
// there is an alpha picture, and blocks.
inline constexpr uint64_t kFlagGrey = 1, kFlagAlpha = 1 << 5, kFlagBlocks = 1 << 6;
inline constexpr int kFlagBits = 1, kLeastBits = 8, kGreatestBits = 16;

// What a file keeps: splats, a lattice, metadata. Metadata of an unknown kind with this bit cannot be skipped.
inline constexpr uint8_t kCritical = 0x80;
inline constexpr uint8_t kSplatSection = kCritical | 1, kLatticeSection = kCritical | 2;
inline constexpr uint8_t kIccSection = 0x10, kExifSection = 0x11, kXmpSection = 0x12, kResolutionSection = 0x13,
                         kColourCodeSection = 0x14, kOverviewSection = 0x20;
inline constexpr uint8_t kBlockSection = kCritical | 4;
// Not a kind of metadata: the whole file of the alpha picture, as the encoder hands it on.
inline constexpr uint8_t kAlphaSection = kCritical | 3;
inline constexpr uint64_t kMostMetadata = 64;

// Bytes before the index, at most: magic and version, four numbers and the count of splats (6 bytes each), the square,
// two steps, a spacing and another square, a table of metadata, the lengths of the alpha picture and of the index.
inline constexpr uint64_t kLongestStart = 8 + 5 * 6 + 1 + 1 + 4 + 6 + kMostMetadata * (1 + 6) + 6 + 6;

// The squares that chunks stand for, see container/tiers.h. A square of the lattice has 2^5
// nodes a side at least, and no chunk of splats is wider than 2^22 px, for their centres are integers of 2^-8 px.
inline constexpr int kLeastSquareLog = 5, kGreatestSquareLog = 22, kLeastNodesLog = 5;
// Splats of all tiers but the coarsest reach at most 2^-3 of their square.
inline constexpr int kReachLog = 3;

// The splats' integers

inline constexpr int kSplatFields = 9;
inline constexpr int kCentreLog = 8;  // centres are in 2^-8 px
inline constexpr int kGreatestEnergy = 15;
inline constexpr int kLeastSize = -4, kGreatestSize = 25;  // log2 px
inline constexpr int kGreatestRatio = 10;                  // log2
inline constexpr int kMostTurnBits = 12;
inline constexpr int kGreatestColour = 1 << 19;

// No chunk of n bytes holds more than 2 (n + 8) splats.
inline constexpr uint64_t kSplatsPerByte = 2, kSplatSlack = 8;

// The base step K of the splats' quantisation has the index k: K = 2^((k - 128) / 16).
inline constexpr int kSplatSteps = 256, kSplatUnitStep = 128, kSplatStepsPerOctave = 16;

// The lattice's integers

inline constexpr int kGreatestSpacingLog = 10;
inline constexpr int32_t kGreatestCoefficient = 1 << 20;
// So far both quantisers have multiples beside it that an encoder may write.
inline constexpr int32_t kGreatestFreeCoefficient = kGreatestCoefficient - 2;
inline constexpr int kBlock = 8;         // side of the squares that are zero or not as a whole
inline constexpr int kCoarsestSide = 8;  // halvings of the wavelet transform until no side has more

// The step D of the lattice's quantisation has the index k: D = 2^((k - 5120) / 256).
inline constexpr int kLatticeSteps = 1 << 13, kLatticeUnitStep = 5120, kLatticeStepsPerOctave = 256;

// The blocks of pixels

inline constexpr int kPixelBlock = 8;   // px of a side
inline constexpr int kPaletteLog = 12;  // of the colours of a chunk, and one more, at most
inline constexpr int kGuessLog = 16;    // of the contexts that are told apart
inline constexpr uint64_t kGuessFactor = 0x9E3779B97F4A7C15;

// What the integers stand for

// Rows: luma and two differences, orthonormal, so that errors in all three weigh the same.
inline const std::array<std::array<double, 3>, 3> kColourBasis = [] {
  const double three = std::sqrt(3.0), two = std::sqrt(2.0), six = std::sqrt(6.0);
  return std::array<std::array<double, 3>, 3>{
      {{1 / three, 1 / three, 1 / three}, {1 / two, 0, -1 / two}, {1 / six, -2 / six, 1 / six}}};
}();

// A splat's weight is exactly 0 below the cutoff, which is where q is beyond 2 ln 255.
inline constexpr double kWeightCutoff = 1.0 / 255;
inline constexpr double kSupportRadius2 = 11.082527090316852;

// Standard deviation of a node's Gaussian, in units of the spacing. Wide ones leave no ripple in even areas, which at a
// spacing of 1 px has the same phase at all pixels and would change the brightness of pictures at other scales.
inline constexpr double kLatticeScale = 0.6;
inline constexpr double kLatticeReach = 2.5;  // beyond which a node's weight is exactly 0, likewise

// One step of a wavelet transform by lifting: what is added of the two neighbours of a sample, and of those beyond
// them.
struct LiftingStep {
  float near, far;
};
// The odd samples change first; the gain is of the low half, so that the basis is close to orthonormal.
struct Lifting {
  std::array<LiftingStep, 4> steps;
  float gain;
  int reach;  // samples on either side that the four steps look at
};
// For the finest levels: close to the orthonormal splines of Battle and Lemarie, and found by what pictures cost.
inline constexpr int kLongLevels = 2;
inline constexpr Lifting kLongLifting = {
    {{{-1.07718f, 0.19469f}, {-0.17214f, 0.0374f}, {0.3912973f, -0.07418f}, {0.6616338f, -0.13542f}}}, 1.1725053f, 12};
// For the others: the 9/7 of Cohen, Daubechies and Feauveau.
inline constexpr Lifting kShortLifting = {
    {{{-1.586134342f, 0}, {-0.05298011854f, 0}, {0.8829110762f, 0}, {0.4435068522f, 0}}}, 1.149604398f, 4};
inline constexpr const Lifting& lifting(int level) { return level <= kLongLevels ? kLongLifting : kShortLifting; }

// What a node is made of along one axis: of its own value, of the two next to it and of the two beyond these. Of
// Gaussians sampled at pixels that are a spacing apart, and of those sampled finely; see lattice/sharpening.h.
struct SharpeningFilter {
  float own, next, second;
};
inline constexpr SharpeningFilter kSampledSharpening = {1.15f, -0.3013f, 0.0666f};
inline constexpr SharpeningFilter kSmoothSharpening = {1.3068f, -0.4239f, 0.1237f};

// L2 norms of the sums of Gaussians that one coefficient of level 1, 2, ... makes along one axis, where the spacing is
// 1: of the low band and of the high one. Further levels are as the last.
struct BandNorms {
  std::array<float, 6> low, high;
};
inline constexpr BandNorms kSampledNorms = {{0.9528f, 0.9458f, 0.9864f, 1.0306f, 1.0489f, 1.0541f},
                                            {1.0558f, 0.9652f, 0.9198f, 0.9591f, 1.0283f, 1.0585f}};
inline constexpr BandNorms kSmoothNorms = {{0.9497f, 0.9578f, 1.0148f, 1.0658f, 1.0863f, 1.0921f},
                                           {1.0691f, 0.9449f, 0.9162f, 0.9815f, 1.0619f, 1.0958f}};

inline double splat_step(int index) {
  return std::exp2(static_cast<double>(index - kSplatUnitStep) / kSplatStepsPerOctave);
}
inline double lattice_step(int index) {
  return std::exp2(static_cast<double>(index - kLatticeUnitStep) / kLatticeStepsPerOctave);
}

}  // namespace smartsplat
