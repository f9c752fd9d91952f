#include <SQLiteCpp/SQLiteCpp.h>

#include "store/store.hpp"

namespace provost::store {
namespace {

/// Binds values to ?1, ?2, … in order.
class Binder {
 public:
  explicit Binder(SQLite::Statement& statement) : statement_(statement) {}
  Binder& text(const std::string& value) {
    statement_.bind(next_++, value);
    return *this;
  }
  Binder& blob(const std::string& value) {
    statement_.bind(next_++, value.data(), static_cast<int>(value.size()));
    return *this;
  }
  Binder& number(std::int64_t value) {
    statement_.bind(next_++, value);
    return *this;
  }
  Binder& time(UtcTime value) { return number(to_millis(value)); }
  Binder& file(const std::optional<GivenFile>& file) {
    if (file) {
      return text(file->name).text(file->text);
    }
    statement_.bind(next_++);
    statement_.bind(next_++);
    return *this;
  }
  void run() { statement_.exec(); }

 private:
  SQLite::Statement& statement_;
  int next_ = 1;
};

}  // namespace

void Writer::set(const std::string& key, const std::string& value) {
  SQLite::Statement statement(database_, "INSERT OR REPLACE INTO settings VALUES (?, ?)");
  Binder(statement).text(key).blob(value).run();
}

void Writer::insert_cluster(const Cluster& cluster) {
  SQLite::Statement statement(
      database_,
      "INSERT INTO clusters VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  Binder(statement)
      .text(cluster.id)
      .text(cluster.name)
      .text(cluster.arn)
      .time(cluster.created)
      .text(cluster.cluster_config.name)
      .text(cluster.cluster_config.text)
      .file(cluster.provisioning_parameters)
      .file(cluster.campus)
      .text(cluster.network_id)
      .text(cluster.subnet)
      .number(cluster.arrived ? 1 : 0)
      .number(cluster.deleting ? 1 : 0)
      .number(cluster.delete_data ? 1 : 0)
      .blob(cluster.munge_key)
      .text(cluster.admin_key_public)
      .text(cluster.host_key)
      .text(cluster.host_key_public)
      .text(cluster.types)
      .text(cluster.changing)
      .text(cluster.slurm_edits)
      .number(static_cast<int>(cluster.phase))
      .text(cluster.failure)
      .text(cluster.undo)
      .time(cluster.began)
      .number(cluster.keep_failed ? 1 : 0)
      .text(cluster.overlay)
      .run();
}

void Writer::set_slurm_edits(const std::string& id, const std::string& edits) {
  SQLite::Statement statement(database_, "UPDATE clusters SET slurm_edits = ?2 WHERE id = ?1");
  Binder(statement).text(id).text(edits).run();
}

void Writer::set_overlay(const std::string& id, const std::string& overlay) {
  SQLite::Statement statement(database_, "UPDATE clusters SET overlay = ?2 WHERE id = ?1");
  Binder(statement).text(id).text(overlay).run();
}

void Writer::set_arrived(const std::string& id) {
  SQLite::Statement statement(database_, "UPDATE clusters SET arrived = 1 WHERE id = ?");
  Binder(statement).text(id).run();
}

void Writer::set_deleting(const std::string& id, bool with_data) {
  SQLite::Statement statement(
      database_,
      "UPDATE clusters SET deleting = 1, delete_data = max(delete_data, ?2) WHERE id = ?1");
  Binder(statement).text(id).number(with_data ? 1 : 0).run();
}

void Writer::set_files(const Cluster& cluster) {
  SQLite::Statement statement(
      database_,
      "UPDATE clusters SET config_name = ?2, config_text = ?3, parameters_name = ?4, "
      "parameters_text = ?5, campus_name = ?6, campus_text = ?7, types = ?8, changing = ?9, "
      "phase = ?10, failure = ?11, undo = ?12, began = ?13 WHERE id = ?1");
  Binder(statement)
      .text(cluster.id)
      .text(cluster.cluster_config.name)
      .text(cluster.cluster_config.text)
      .file(cluster.provisioning_parameters)
      .file(cluster.campus)
      .text(cluster.types)
      .text(cluster.changing)
      .number(static_cast<int>(cluster.phase))
      .text(cluster.failure)
      .text(cluster.undo)
      .time(cluster.began)
      .run();
}

void Writer::set_phase(const std::string& id, model::Phase phase, const std::string& failure) {
  SQLite::Statement statement(database_,
                              "UPDATE clusters SET phase = ?2, failure = ?3 WHERE id = ?1");
  Binder(statement).text(id).number(static_cast<int>(phase)).text(failure).run();
}

void Writer::replace_node(const std::string& cluster_id, const std::string& name, UtcTime now) {
  SQLite::Statement statement(
      database_,
      "UPDATE nodes SET incarnation = incarnation + 1, status = ?3, launched = "
      "?4 WHERE cluster_id = ?1 AND name = ?2");
  Binder(statement)
      .text(cluster_id)
      .text(name)
      .text(std::string(model::name(model::NodeStatus::pending)))
      .time(now)
      .run();
}

void Writer::end_change(const std::string& id, const std::string& fingerprint) {
  SQLite::Statement statement(
      database_,
      "UPDATE clusters SET changing = '', undo = '', phase = 0 WHERE id = ? AND "
      "changing = ?");
  Binder(statement).text(id).text(fingerprint).run();
}

void Writer::delete_cluster(const std::string& id) {
  SQLite::Statement statement(database_, "DELETE FROM clusters WHERE id = ?");
  Binder(statement).text(id).run();
  SQLite::Statement settings(database_, "DELETE FROM settings WHERE key GLOB ? || '/*'");
  Binder(settings).text(id).run();
}

void Writer::put_node(const Node& node) {
  SQLite::Statement statement(
      database_,
      "INSERT INTO nodes VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (cluster_id, name) DO UPDATE "
      "SET "
      "group_name = ?3, number = ?4, address = ?5, instance_id = ?6, incarnation = ?7, status = "
      "?8, "
      "message = ?9, launched = ?10, leaving = ?11");
  Binder(statement)
      .text(node.cluster_id)
      .text(node.name)
      .text(node.group)
      .number(node.number)
      .text(node.address)
      .text(node.instance_id)
      .number(node.incarnation)
      .text(std::string(name(node.status)))
      .text(node.message)
      .time(node.launched)
      .number(static_cast<int>(node.leaving))
      .run();
}

void Writer::set_node_status(const std::string& cluster_id, const std::string& name,
                             model::NodeStatus status, const std::string& message) {
  SQLite::Statement statement(
      database_, "UPDATE nodes SET status = ?3, message = ?4 WHERE cluster_id = ?1 AND name = ?2");
  Binder(statement)
      .text(cluster_id)
      .text(name)
      .text(std::string(model::name(status)))
      .text(message)
      .run();
}

void Writer::set_node_leaving(const std::string& cluster_id, const std::string& name,
                              model::Leaving leaving) {
  SQLite::Statement statement(database_,
                              "UPDATE nodes SET leaving = ?3 WHERE cluster_id = ?1 AND name = ?2");
  Binder(statement).text(cluster_id).text(name).number(static_cast<int>(leaving)).run();
}

void Writer::delete_node(const std::string& cluster_id, const std::string& name) {
  SQLite::Statement statement(database_, "DELETE FROM nodes WHERE cluster_id = ? AND name = ?");
  Binder(statement).text(cluster_id).text(name).run();
}

void Writer::put_intent(const Intent& intent) {
  SQLite::Statement statement(database_, "INSERT OR REPLACE INTO intents VALUES (?,?,?,?,?,?,?,?)");
  Binder binder(statement);
  binder.text(intent.key).text(intent.cluster_id).number(intent.attempt).time(intent.begun);
  if (intent.ended) {
    statement.bind(5, static_cast<std::int64_t>(to_millis(*intent.ended)));
  } else {
    statement.bind(5);
  }
  statement.bind(6, static_cast<int>(intent.outcome));
  statement.bind(7, intent.found);
  statement.bind(8, static_cast<std::int64_t>(to_millis(intent.retry_at)));
  statement.exec();
}

void Writer::add_step_time(const std::string& kind, double seconds) {
  SQLite::Statement statement(
      database_,
      "INSERT INTO step_times VALUES (?1, ?2) ON CONFLICT (kind) DO UPDATE SET seconds = 0.6 * "
      "seconds + 0.4 * ?2");
  statement.bind(1, kind);
  statement.bind(2, seconds);
  statement.exec();
}

void Writer::delete_intent(const std::string& key) {
  SQLite::Statement statement(database_, "DELETE FROM intents WHERE key = ?");
  Binder(statement).text(key).run();
}

void Writer::add_event(const Event& event) {
  SQLite::Statement statement(
      database_,
      "INSERT INTO events (time, level, resource, cluster, group_name, node, "
      "actor, what, because) VALUES (?,?,?,?,?,?,?,?,?)");
  Binder(statement)
      .time(event.time == UtcTime{} ? now_utc() : event.time)
      .number(static_cast<int>(event.level))
      .number(static_cast<int>(event.resource))
      .text(event.cluster)
      .text(event.group)
      .text(event.node)
      .text(event.actor.empty() ? "provostd" : event.actor)
      .text(event.what)
      .text(event.because)
      .run();
}

void Writer::put_removal(const Removal& removal) {
  SQLite::Statement statement(database_, "INSERT OR REPLACE INTO removals VALUES (?,?,?,?,?,?,?)");
  Binder(statement)
      .text(removal.cluster)
      .text(removal.cluster_id)
      .text(removal.state)
      .text(removal.was)
      .text(removal.left)
      .text(removal.kept)
      .text(removal.message)
      .run();
}

void Writer::insert_token(const Token& token) {
  SQLite::Statement statement(database_, "INSERT INTO tokens VALUES (?,?,?)");
  Binder(statement).text(token.name).text(token.hash).time(token.created).run();
}

void Writer::delete_token(const std::string& name) {
  SQLite::Statement statement(database_, "DELETE FROM tokens WHERE name = ?");
  Binder(statement).text(name).run();
}

}  // namespace provost::store
