// Sets as sorted lists of disjoint closed ranges (both ends included): union and difference in O(n log n).
#pragma once
#include <algorithm>
#include <utility>
#include <vector>

namespace lockstep::signatures {

// `Step` names the neighbours of a value: next(v) and previous(v) are only asked where one exists.
template <typename Value, typename Step>
class Ranges {
 public:
  using Range = std::pair<Value, Value>;

  // Sorted, with overlapping and adjacent ranges joined.
  static std::vector<Range> united(std::vector<Range> ranges, const Step& step) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<Range> out;
    for (const Range& range : ranges) {
      const bool joins =
          !out.empty() && (range.first <= out.back().second || touches(out.back(), range, step));
      if (joins) {
        out.back().second = std::max(out.back().second, range.second);
      } else {
        out.push_back(range);
      }
    }
    return out;
  }

  // Both sides as `united` gives them.
  static std::vector<Range> difference(const std::vector<Range>& from, const std::vector<Range>& without,
                                       const Step& step) {
    std::vector<Range> out;
    auto hole = without.begin();
    for (Range rest : from) {
      while (hole != without.end() && hole->second < rest.first) ++hole;
      bool left = true;
      for (auto cut = hole; left && cut != without.end() && cut->first <= rest.second; ++cut) {
        if (rest.first < cut->first) out.emplace_back(rest.first, step.previous(cut->first));
        left = cut->second < rest.second;
        if (left) rest.first = step.next(cut->second);
      }
      if (left) out.push_back(rest);
    }
    return out;
  }

  static bool contains(const std::vector<Range>& ranges, const Value& value) {
    const auto after = std::upper_bound(ranges.begin(), ranges.end(), value,
                                        [](const Value& v, const Range& range) { return v < range.first; });
    return after != ranges.begin() && !(std::prev(after)->second < value);
  }

 private:
  // `next` exists here: `range.first` lies beyond the end of `last`.
  static bool touches(const Range& last, const Range& range, const Step& step) {
    return step.next(last.second) == range.first;
  }
};

}  // namespace lockstep::signatures
