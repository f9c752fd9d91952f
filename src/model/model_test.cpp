#include <gtest/gtest.h>

#include "model/cluster.hpp"
#include "model/node_part.hpp"

namespace provost::model {
namespace {

NodePart part(const std::string& room, const std::string& path) {
  return {.room = room, .directories = {}, .files = {FilePart{path, "x"}}, .units = {}};
}

TEST(NodePart, JoinsRoomsThatOwnDifferentPaths) {
  const auto whole = join({part("scheduling", "/etc/a"), part("access", "/etc/b")});
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->files.size(), 2U);
}

TEST(NodePart, RefusesOnePathFromTwoRoomsAndNamesBoth) {
  const auto whole = join({part("scheduling", "/etc/a"), part("access", "/etc/a")});
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().message, "both scheduling and access want to own /etc/a on a node");
}

TEST(Cluster, NodesAreNamedAsHyperPodNamesInstances) { EXPECT_EQ(node_name("cpu", 3), "cpu-3"); }

}  // namespace
}  // namespace provost::model
