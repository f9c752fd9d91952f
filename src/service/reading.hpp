// One cluster as it stands, read once for a report. Private to this room.
#pragma once

#include <memory>
#include <optional>
#include <string>
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

/// journalctl's arguments for the last `lines` of what a unit said on a node; an empty unit: all.
std::vector<std::string> journal_of(const std::string& unit, int lines);

}  // namespace provost::service
