// One cluster as it stands, read once for a report. Private to this room.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "service/collector.hpp"
#include "service/desk.hpp"

namespace provost::service {

struct Desk::Reading {
  store::Cluster row;
  std::vector<store::Node> nodes;
  std::shared_ptr<const ClusterModel> model;
  std::optional<Picture> picture;
  std::vector<control::StepView> steps;  ///< of this cluster
};

}  // namespace provost::service
