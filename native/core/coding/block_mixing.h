// What the models of blocks guess by several contexts at once: their opinions are added up, each as its weight says,
// which follows from how well it did.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "coding/range_coder.h"
#include "common/apart.h"
#include "common/memory.h"

namespace smartsplat {

// Logarithms of odds, in 1/256, as a probability in 1/4096.
int32_t squash(int32_t odds);

// What is known of a bit after a context: how far its probability is from 1/2, and how many were seen.
struct Opinion {
  static constexpr int kMostSeen = 15;

  void learn(int bit) {
    const int32_t goal = bit ? kGoal : -kGoal;
    lean = static_cast<int16_t>(lean + ((goal - lean) * kAdaptation[seen] >> 15));
    seen = static_cast<uint8_t>(std::min(seen + 1, kMostSeen));
  }

  static constexpr int32_t kGoal = (1 << 15) - kLeastProbability;

  int16_t lean = 0;
  uint8_t seen = 0, check = 0;  // the latter is of the context that it belongs to
};

// A bit that is coded by the weighed sum of opinions, in the place of a model.
class MixedModel {
 public:
  static constexpr int32_t kFirstWeight = 3 << 13;

  // By how many bits an opinion follows from.
  struct Weights {
    Weights() { of.fill(kFirstWeight); }
    std::array<int32_t, Opinion::kMostSeen + 1> of;
  };

  MixedModel();

  void begin() { inputs_ = 0, sum_ = 0; }
  // The opinion after a context, of a bit that has this number there.
  SMARTSPLAT_APART void add(uint32_t context, uint32_t number, Weights& weights) {
    Opinion& opinion = opinions_[(context >> (32 - kOpinionLog)) ^ number];
    const auto check = static_cast<uint8_t>(context);
    if (opinion.check != check) opinion = {0, 0, check};
    add(&opinion, static_cast<uint32_t>(opinion.lean + (1 << 15)), weights.of[opinion.seen]);
  }
  // That of a model, which learns elsewhere.
  void add(const BitModel& model, int32_t& weight) { add(nullptr, model.probability(), weight); }
  void end() { probability_ = squash(static_cast<int32_t>(sum_ >> 16)); }

  uint32_t probability() const { return static_cast<uint32_t>(probability_) << 4; }
  void learn(int bit) {
    const int32_t error = ((bit << 12) - probability_) * kRate;
    for (int i = 0; i < inputs_; ++i) {
      const Input& input = inputs_list_[static_cast<size_t>(i)];
      *input.weight =
          std::clamp(*input.weight + ((input.odds * error + (1 << 15)) >> 16), -kGreatestWeight, kGreatestWeight);
      if (input.opinion) input.opinion->learn(bit);
    }
  }

 private:
  static constexpr int kOpinionLog = 20, kMostInputs = 8;
  static constexpr int32_t kRate = 24, kGreatestWeight = 1 << 20;

  struct Input {
    Opinion* opinion;
    int32_t* weight;
    int32_t odds;
  };

  void add(Opinion* opinion, uint32_t probability, int32_t& weight) {
    const int32_t odds = odds_[probability >> 4];
    inputs_list_[static_cast<size_t>(inputs_++)] = {opinion, &weight, odds};
    sum_ += int64_t{weight} * odds;
  }

  Zeros<Opinion> opinions_;
  std::array<int16_t, 4096> odds_;  // of each probability: squash the other way round
  std::array<Input, kMostInputs> inputs_list_;
  int inputs_ = 0;
  int64_t sum_ = 0;
  int32_t probability_ = 0;
};

}  // namespace smartsplat
