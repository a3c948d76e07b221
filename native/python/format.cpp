// The constants of the format, and what follows from them.
#include "format/format.h"

#include <nanobind/nanobind.h>

#include "lattice/wavelet.h"
#include "model/model.h"
#include "python/faces.h"
#include "rendering/pixel_splat.h"

namespace smartsplat {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

void bind_container(nb::module_& m) {
  m.attr("MAGIC") = nb::bytes(kMagic.data(), kMagic.size());
  m.attr("MAJOR") = static_cast<int>(kMajor);
  m.attr("MINOR") = static_cast<int>(kMinor);
  m.attr("FLAG_GREY") = kFlagGrey;
  m.attr("FLAG_ALPHA") = kFlagAlpha;
  m.attr("FLAG_BLOCKS") = kFlagBlocks;
  m.attr("CRITICAL") = static_cast<int>(kCritical);
  m.attr("SPLATS") = static_cast<int>(kSplatSection);
  m.attr("LATTICE") = static_cast<int>(kLatticeSection);
  m.attr("BLOCKS") = static_cast<int>(kBlockSection);
  m.attr("PIXEL_BLOCK") = kPixelBlock;
  m.attr("ICC") = static_cast<int>(kIccSection);
  m.attr("EXIF") = static_cast<int>(kExifSection);
  m.attr("XMP") = static_cast<int>(kXmpSection);
  m.attr("RESOLUTION") = static_cast<int>(kResolutionSection);
  m.attr("COLOUR_CODE") = static_cast<int>(kColourCodeSection);
  m.attr("ALPHA") = static_cast<int>(kAlphaSection);
  m.attr("OVERVIEW") = static_cast<int>(kOverviewSection);
  m.attr("MOST_METADATA") = kMostMetadata;
  m.attr("LONGEST_START") = kLongestStart;
  m.attr("LEAST_SQUARE_LOG") = kLeastSquareLog;
  m.attr("GREATEST_SQUARE_LOG") = kGreatestSquareLog;
  m.attr("GREATEST_SIDE") = kGreatestSide;
  m.attr("GREATEST_NUMBER") = kGreatestNumber;
}

void bind_splats(nb::module_& m) {
  m.attr("CENTRE_UNIT") = 1 << kCentreLog;
  m.attr("GREATEST_ENERGY") = kGreatestEnergy;
  m.attr("LEAST_SIZE") = kLeastSize;
  m.attr("GREATEST_SIZE") = kGreatestSize;
  m.attr("GREATEST_RATIO") = kGreatestRatio;
  m.attr("GREATEST_COLOUR") = kGreatestColour;
  m.attr("SPLATS_PER_BYTE") = kSplatsPerByte;
  m.attr("SPLAT_SLACK") = kSplatSlack;
  m.attr("SPLAT_STEPS") = kSplatSteps;
  m.def("splat_step", &splat_step, "index"_a);
}

void bind_lattice_format(nb::module_& m) {
  m.attr("GREATEST_SPACING_LOG") = kGreatestSpacingLog;
  m.attr("LATTICE_STEPS") = kLatticeSteps;
  m.attr("LATTICE_UNIT_STEP") = kLatticeUnitStep;
  m.attr("SPLAT_STEPS_PER_OCTAVE") = kSplatStepsPerOctave;
  m.attr("LATTICE_STEPS_PER_OCTAVE") = kLatticeStepsPerOctave;
  m.attr("LATTICE_SCALE") = kLatticeScale;
  m.attr("LATTICE_REACH") = kLatticeReach;
  m.def("lattice_step", &lattice_step, "index"_a);
}

}  // namespace

void bind_format(nb::module_& m) {
  bind_container(m);
  bind_splats(m);
  bind_lattice_format(m);
  nb::list basis;
  for (const auto& row : kColourBasis) basis.append(nb::make_tuple(row[0], row[1], row[2]));
  m.attr("COLOUR_BASIS") = nb::tuple(basis);
  m.attr("SUPPORT") = kSupportRadius2;
  m.attr("CELL_SIZE") = kCellSize;
}

}  // namespace smartsplat
