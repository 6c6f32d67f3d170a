// SPDX-License-Identifier: MIT
// The line search of LBFGS: a bracket around a point that fulfils the strong Wolfe conditions, made smaller until one is found.

#include "training/line_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ftorch {
namespace {

constexpr double sufficient_decrease = 1e-4;
constexpr double curvature = 0.9;

/// Minimum between two points of the cubic through them, or within bounds.
double interpolate(const LinePoint& a, const LinePoint& b, double lower, double upper) {
  const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const double square = d1 * d1 - a.slope * b.slope;
  if (!(square >= 0)) return (lower + upper) / 2;
  const double d2 = std::sqrt(square);
  const double minimum = a.t <= b.t ? b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
                                    : a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2));
  // Two points of one length, or losses that are not finite, have no cubic.
  return std::isfinite(minimum) ? std::min(std::max(minimum, lower), upper) : (lower + upper) / 2;
}

struct Bracket {
  Bracket(LinePoint first, LinePoint second, bool is_one = false)
      : ends{std::move(first), std::move(second)}, is_point(is_one) {
    choose();
  }
  /// The first of two with one loss.
  void choose() { low = ends[0].loss <= ends[1].loss ? 0 : 1; }
  LinePoint& lower() { return ends[low]; }
  LinePoint& higher() { return ends[1 - low]; }

  LinePoint ends[2];
  int low = 0;
  bool is_point;
};

class StrongWolfe {
 public:
  StrongWolfe(LossRequests& requests, Line& line, at::Tensor direction, LinePoint start, int64_t most_evaluations)
      : requests_(requests),
        line_(line),
        direction_(std::move(direction)),
        start_(std::move(start)),
        most_evaluations_(most_evaluations) {}

  Task<LinePoint> evaluate(double t) {
    line_.move_to(t);
    LinePoint point{t, co_await requests_, {}, 0};
    point.gradient = line_.gradient();
    point.slope = point.gradient.dot(direction_).item<double>();
    line_.move_back();
    ++evaluations_;
    co_return point;
  }

  bool decreases(const LinePoint& point) const {
    return !(point.loss > start_.loss + sufficient_decrease * point.t * start_.slope);
  }
  bool is_flat(const LinePoint& point) const { return std::abs(point.slope) <= -curvature * start_.slope; }

  Task<Bracket> bracket(double first_t) {
    LinePoint previous = start_;
    LinePoint point = co_await evaluate(first_t);
    for (; iterations_ < most_evaluations_; ++iterations_) {
      if (!decreases(point) || (iterations_ > 1 && point.loss >= previous.loss)) co_return Bracket(previous, point);
      if (is_flat(point)) co_return Bracket(point, point, true);
      if (point.slope >= 0) co_return Bracket(previous, point);
      const double least = point.t + 0.01 * (point.t - previous.t);
      const double t = interpolate(previous, point, least, point.t * 10);
      previous = std::exchange(point, co_await evaluate(t));
    }
    co_return Bracket(start_, point);
  }

  /// The next length to try: not too near the ends of the bracket twice.
  double next_t(const Bracket& bracket, bool& was_near_end) const {
    const auto [least, most] = std::minmax(bracket.ends[0].t, bracket.ends[1].t);
    double t = interpolate(bracket.ends[0], bracket.ends[1], least, most);
    const double margin = 0.1 * (most - least);
    if (std::min(most - t, t - least) >= margin) {
      was_near_end = false;
    } else if (was_near_end || t >= most || t <= least) {
      t = std::abs(t - most) < std::abs(t - least) ? most - margin : least + margin;
      was_near_end = false;
    } else {
      was_near_end = true;
    }
    return t;
  }

  Task<LinePoint> zoom(Bracket bracket, double tolerance_change) {
    const double length = direction_.abs().max().item<double>();
    bool was_near_end = false;
    for (bool is_done = bracket.is_point; !is_done && iterations_ < most_evaluations_; ++iterations_) {
      if (std::abs(bracket.ends[1].t - bracket.ends[0].t) * length < tolerance_change) break;
      LinePoint point = co_await evaluate(next_t(bracket, was_near_end));
      if (!decreases(point) || point.loss >= bracket.lower().loss) {
        bracket.higher() = std::move(point);
        bracket.choose();
        continue;
      }
      is_done = is_flat(point);
      if (!is_done && point.slope * (bracket.higher().t - bracket.lower().t) >= 0) bracket.higher() = bracket.lower();
      bracket.lower() = std::move(point);
    }
    co_return std::move(bracket.lower());
  }

  int64_t evaluations() const { return evaluations_; }

 private:
  LossRequests& requests_;
  Line& line_;
  at::Tensor direction_;
  LinePoint start_;
  int64_t most_evaluations_;
  int64_t evaluations_ = 0;
  int64_t iterations_ = 0;
};

}  // namespace

Task<LineSearchResult> strong_wolfe(LossRequests& requests, Line& line, at::Tensor direction, LinePoint start,
                                    double first_t, double tolerance_change, int64_t most_evaluations) {
  StrongWolfe search(requests, line, std::move(direction), std::move(start), most_evaluations);
  Bracket bracket = co_await search.bracket(first_t);
  LinePoint point = co_await search.zoom(std::move(bracket), tolerance_change);
  co_return LineSearchResult{std::move(point), search.evaluations()};
}

}  // namespace ftorch
