// Data that cannot be reached without its lock.
#pragma once

#include <mutex>
#include <utility>

namespace provost {

/// Owns a `T` and the mutex that guards it. `with` runs a function on the locked value.
/// Thread-safe; not recursive: calling `with` inside `with` deadlocks.
template <class T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  template <class Function>
  auto with(Function&& function) {
    const std::scoped_lock lock(mutex_);
    return std::forward<Function>(function)(value_);
  }
  template <class Function>
  auto with(Function&& function) const {
    const std::scoped_lock lock(mutex_);
    return std::forward<Function>(function)(static_cast<const T&>(value_));
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace provost
