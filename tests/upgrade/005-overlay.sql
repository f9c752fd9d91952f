BEGIN TRANSACTION;
CREATE TABLE clusters (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  arn TEXT NOT NULL,
  created INTEGER NOT NULL,                -- milliseconds since 1970, as every time here
  config_name TEXT NOT NULL, config_text TEXT NOT NULL,
  parameters_name TEXT, parameters_text TEXT,
  campus_name TEXT, campus_text TEXT,
  network_id TEXT NOT NULL UNIQUE,
  subnet TEXT NOT NULL UNIQUE,             -- two clusters never share addresses
  arrived INTEGER NOT NULL, deleting INTEGER NOT NULL, delete_data INTEGER NOT NULL,
  munge_key BLOB NOT NULL, admin_key_public TEXT NOT NULL,
  host_key TEXT NOT NULL, host_key_public TEXT NOT NULL
, types TEXT NOT NULL DEFAULT '', changing TEXT NOT NULL DEFAULT '', slurm_edits TEXT NOT NULL DEFAULT '', phase INTEGER NOT NULL DEFAULT 0, failure TEXT NOT NULL DEFAULT '', undo TEXT NOT NULL DEFAULT '', began INTEGER NOT NULL DEFAULT 0, keep_failed INTEGER NOT NULL DEFAULT 0, overlay TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "clusters" VALUES('universityaa','university','arn:aws:sagemaker:local:000000000000:cluster/university',1795000000000,'cluster-config.json','{
  "ClusterName": "university",
  "InstanceGroups": [
    {
      "InstanceGroupName": "controller",
      "InstanceType": "ml.m5.large",
      "InstanceCount": 1,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    },
    {
      "InstanceGroupName": "login",
      "InstanceType": "ml.t3.medium",
      "InstanceCount": 2,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    },
    {
      "InstanceGroupName": "cpu",
      "InstanceType": "ml.c5.xlarge",
      "InstanceCount": 2,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    },
    {
      "InstanceGroupName": "gpu",
      "InstanceType": "ml.g5.xlarge",
      "InstanceCount": 1,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    }
  ],
  "VpcConfig": {
    "SecurityGroupIds": ["sg-0a1b2c3d4e5f67890"],
    "Subnets": ["subnet-0a1b2c3d4e5f67890"]
  },
  "Tags": [
    {"Key": "ClusterName", "Value": "university"}
  ]
}
','provisioning-parameters.json','{
  "version": "1.0.0",
  "workload_manager": "slurm",
  "controller_group": "controller",
  "login_group": "login",
  "worker_groups": [
    {"instance_group_name": "cpu", "partition_name": "cpu"},
    {"instance_group_name": "gpu", "partition_name": "gpu"}
  ],
  "fsx_dns_name": "fs-0a1b2c3d4e5f67890.fsx.us-west-2.amazonaws.com",
  "fsx_mountname": "univfsx1"
}
','campus.toml','# Example University: who uses the cluster, and who they belong to.
# The machines are in cluster-config.json, the partitions in provisioning-parameters.json.

[campus]
name = "Example University"
currency = "USD"             # what amounts of money are counted in
administrators = ["hoa"]     # people who may do everything; each has a [[person]] below
drift = "report"             # accounts changed by hand are told of; "mend" puts them right

# How waiting jobs are ordered, and what a job gets that does not ask. `provost explain scheduler`.

[scheduler]
half_life = "14d"            # for fair-share, use of two weeks ago counts half
weights = { age = 1000, fairshare = 10000, qos = 2000, project = 3000 }
defaults = { time = "1h" }

# A quality of service: what one kind of job may have. The first is what a job gets that asks for none.

[[qos]]
name = "normal"
priority = 10
limits = { gpus_per_user = 1, jobs_per_user = 50, wall = "3d" }

[[qos]]
name = "scavenger"           # may use what departments own and do not need; put back when they do
preempted_by = ["normal"]
charge = "25%"               # of what it uses counts

# The groups'' own partitions (cpu, gpu) are in provisioning-parameters.json; this one is for trying.

[[partition]]
name = "debug"
groups = ["cpu"]
max_time = "30m"

# A department is an account in Slurm. Its supervisors coordinate that account: they may hold and
# cancel the department''s jobs. Its members may submit jobs.

[[department]]
name = "nlp"                 # short: the name of the account
title = "Natural Language Processing"
supervisors = ["linh"]
members = ["minh", "an"]
owns = ["gpu"]               # its own nodes: partition "nlp"; others come in by --qos=scavenger
partitions = ["cpu"]         # pools it may use; jobs that name none go to the first
share = 40                   # beside the other departments''
limits = { gpus = 1 }        # of all its people together

[[department.project]]       # an account of its own below the department''s: sbatch -A viet-llm
name = "viet-llm"
lead = "minh"
members = ["an"]
share = 60
priority = 100

[[department]]
name = "vision"
title = "Computer Vision"
supervisors = ["thu"]
members = ["duc", "hoa"]
partitions = ["cpu"]
share = 30

# A person is a user on every node, with a home on /fsx. The uid says who owns a file there: never
# give one to somebody else. Nobody needs to bring an SSH key, for each person gets a key pair on
# /fsx; `keys` adds public keys of their own, one string each: "ssh-ed25519 AAAA... minh@laptop".

[[person]]
name = "minh"
uid = 2001
title = "Minh Nguyen"        # the full name; may be left out
keys = []

[[person]]
name = "linh"
uid = 2002
title = "Linh Tran"
keys = []

[[person]]
name = "an"
uid = 2003
title = "An Pham"
keys = []

[[person]]
name = "thu"
uid = 2004
title = "Thu Le"
keys = []

[[person]]
name = "duc"
uid = 2005
title = "Duc Hoang"
keys = []

[[person]]
name = "hoa"
uid = 2006
title = "Hoa Vo"
keys = []

# What nobody uses goes back to everybody.
[idle]
after = "2h"
warn = "30m"
','net0','10.77.0.0/22',1,0,0,X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F','ssh-ed25519 AAAA administrator','not a key','ssh-ed25519 AAAA','own.small,2,4096','f00d','',0,'','',0,0,'{"next": 3, "amendments": [{"id": 2, "at": 1795000000000, "by": "linh", "kind": "limit", "account": "nlp", "subject": "gpus_per_user", "value": 4, "title": "", "lead": ""}]}');
INSERT INTO "clusters" VALUES('leavesaaaaaa','leaves','arn:aws:sagemaker:local:000000000000:cluster/leaves',1795000000001,'cluster-config.json','{
  "ClusterName": "university",
  "InstanceGroups": [
    {
      "InstanceGroupName": "controller",
      "InstanceType": "ml.m5.large",
      "InstanceCount": 1,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    },
    {
      "InstanceGroupName": "login",
      "InstanceType": "ml.t3.medium",
      "InstanceCount": 2,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    },
    {
      "InstanceGroupName": "cpu",
      "InstanceType": "ml.c5.xlarge",
      "InstanceCount": 2,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    },
    {
      "InstanceGroupName": "gpu",
      "InstanceType": "ml.g5.xlarge",
      "InstanceCount": 1,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    }
  ],
  "VpcConfig": {
    "SecurityGroupIds": ["sg-0a1b2c3d4e5f67890"],
    "Subnets": ["subnet-0a1b2c3d4e5f67890"]
  },
  "Tags": [
    {"Key": "ClusterName", "Value": "university"}
  ]
}
','provisioning-parameters.json','{
  "version": "1.0.0",
  "workload_manager": "slurm",
  "controller_group": "controller",
  "login_group": "login",
  "worker_groups": [
    {"instance_group_name": "cpu", "partition_name": "cpu"},
    {"instance_group_name": "gpu", "partition_name": "gpu"}
  ],
  "fsx_dns_name": "fs-0a1b2c3d4e5f67890.fsx.us-west-2.amazonaws.com",
  "fsx_mountname": "univfsx1"
}
','campus.toml','# Example University: who uses the cluster, and who they belong to.
# The machines are in cluster-config.json, the partitions in provisioning-parameters.json.

[campus]
name = "Example University"
currency = "USD"             # what amounts of money are counted in
administrators = ["hoa"]     # people who may do everything; each has a [[person]] below
drift = "report"             # accounts changed by hand are told of; "mend" puts them right

# How waiting jobs are ordered, and what a job gets that does not ask. `provost explain scheduler`.

[scheduler]
half_life = "14d"            # for fair-share, use of two weeks ago counts half
weights = { age = 1000, fairshare = 10000, qos = 2000, project = 3000 }
defaults = { time = "1h" }

# A quality of service: what one kind of job may have. The first is what a job gets that asks for none.

[[qos]]
name = "normal"
priority = 10
limits = { gpus_per_user = 1, jobs_per_user = 50, wall = "3d" }

[[qos]]
name = "scavenger"           # may use what departments own and do not need; put back when they do
preempted_by = ["normal"]
charge = "25%"               # of what it uses counts

# The groups'' own partitions (cpu, gpu) are in provisioning-parameters.json; this one is for trying.

[[partition]]
name = "debug"
groups = ["cpu"]
max_time = "30m"

# A department is an account in Slurm. Its supervisors coordinate that account: they may hold and
# cancel the department''s jobs. Its members may submit jobs.

[[department]]
name = "nlp"                 # short: the name of the account
title = "Natural Language Processing"
supervisors = ["linh"]
members = ["minh", "an"]
owns = ["gpu"]               # its own nodes: partition "nlp"; others come in by --qos=scavenger
partitions = ["cpu"]         # pools it may use; jobs that name none go to the first
share = 40                   # beside the other departments''
limits = { gpus = 1 }        # of all its people together

[[department.project]]       # an account of its own below the department''s: sbatch -A viet-llm
name = "viet-llm"
lead = "minh"
members = ["an"]
share = 60
priority = 100

[[department]]
name = "vision"
title = "Computer Vision"
supervisors = ["thu"]
members = ["duc", "hoa"]
partitions = ["cpu"]
share = 30

# A person is a user on every node, with a home on /fsx. The uid says who owns a file there: never
# give one to somebody else. Nobody needs to bring an SSH key, for each person gets a key pair on
# /fsx; `keys` adds public keys of their own, one string each: "ssh-ed25519 AAAA... minh@laptop".

[[person]]
name = "minh"
uid = 2001
title = "Minh Nguyen"        # the full name; may be left out
keys = []

[[person]]
name = "linh"
uid = 2002
title = "Linh Tran"
keys = []

[[person]]
name = "an"
uid = 2003
title = "An Pham"
keys = []

[[person]]
name = "thu"
uid = 2004
title = "Thu Le"
keys = []

[[person]]
name = "duc"
uid = 2005
title = "Duc Hoang"
keys = []

[[person]]
name = "hoa"
uid = 2006
title = "Hoa Vo"
keys = []

# What nobody uses goes back to everybody.
[idle]
after = "2h"
warn = "30m"
','net1','10.77.4.0/22',1,1,1,X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F','ssh-ed25519 AAAA administrator','not a key','ssh-ed25519 AAAA','','','',0,'','',0,0,'');
INSERT INTO "clusters" VALUES('begunaaaaaaa','begun','arn:aws:sagemaker:local:000000000000:cluster/begun',1795000000002,'cluster-config.json','{
  "ClusterName": "university",
  "InstanceGroups": [
    {
      "InstanceGroupName": "controller",
      "InstanceType": "ml.m5.large",
      "InstanceCount": 1,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    },
    {
      "InstanceGroupName": "login",
      "InstanceType": "ml.t3.medium",
      "InstanceCount": 2,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    },
    {
      "InstanceGroupName": "cpu",
      "InstanceType": "ml.c5.xlarge",
      "InstanceCount": 2,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    },
    {
      "InstanceGroupName": "gpu",
      "InstanceType": "ml.g5.xlarge",
      "InstanceCount": 1,
      "LifeCycleConfig": {
        "SourceS3Uri": "s3://sagemaker-university/lifecycle/",
        "OnCreate": "on_create.sh"
      },
      "ExecutionRole": "arn:aws:iam::111122223333:role/UniversityClusterRole",
      "ThreadsPerCore": 1
    }
  ],
  "VpcConfig": {
    "SecurityGroupIds": ["sg-0a1b2c3d4e5f67890"],
    "Subnets": ["subnet-0a1b2c3d4e5f67890"]
  },
  "Tags": [
    {"Key": "ClusterName", "Value": "university"}
  ]
}
','provisioning-parameters.json','{
  "version": "1.0.0",
  "workload_manager": "slurm",
  "controller_group": "controller",
  "login_group": "login",
  "worker_groups": [
    {"instance_group_name": "cpu", "partition_name": "cpu"},
    {"instance_group_name": "gpu", "partition_name": "gpu"}
  ],
  "fsx_dns_name": "fs-0a1b2c3d4e5f67890.fsx.us-west-2.amazonaws.com",
  "fsx_mountname": "univfsx1"
}
','campus.toml','# Example University: who uses the cluster, and who they belong to.
# The machines are in cluster-config.json, the partitions in provisioning-parameters.json.

[campus]
name = "Example University"
currency = "USD"             # what amounts of money are counted in
administrators = ["hoa"]     # people who may do everything; each has a [[person]] below
drift = "report"             # accounts changed by hand are told of; "mend" puts them right

# How waiting jobs are ordered, and what a job gets that does not ask. `provost explain scheduler`.

[scheduler]
half_life = "14d"            # for fair-share, use of two weeks ago counts half
weights = { age = 1000, fairshare = 10000, qos = 2000, project = 3000 }
defaults = { time = "1h" }

# A quality of service: what one kind of job may have. The first is what a job gets that asks for none.

[[qos]]
name = "normal"
priority = 10
limits = { gpus_per_user = 1, jobs_per_user = 50, wall = "3d" }

[[qos]]
name = "scavenger"           # may use what departments own and do not need; put back when they do
preempted_by = ["normal"]
charge = "25%"               # of what it uses counts

# The groups'' own partitions (cpu, gpu) are in provisioning-parameters.json; this one is for trying.

[[partition]]
name = "debug"
groups = ["cpu"]
max_time = "30m"

# A department is an account in Slurm. Its supervisors coordinate that account: they may hold and
# cancel the department''s jobs. Its members may submit jobs.

[[department]]
name = "nlp"                 # short: the name of the account
title = "Natural Language Processing"
supervisors = ["linh"]
members = ["minh", "an"]
owns = ["gpu"]               # its own nodes: partition "nlp"; others come in by --qos=scavenger
partitions = ["cpu"]         # pools it may use; jobs that name none go to the first
share = 40                   # beside the other departments''
limits = { gpus = 1 }        # of all its people together

[[department.project]]       # an account of its own below the department''s: sbatch -A viet-llm
name = "viet-llm"
lead = "minh"
members = ["an"]
share = 60
priority = 100

[[department]]
name = "vision"
title = "Computer Vision"
supervisors = ["thu"]
members = ["duc", "hoa"]
partitions = ["cpu"]
share = 30

# A person is a user on every node, with a home on /fsx. The uid says who owns a file there: never
# give one to somebody else. Nobody needs to bring an SSH key, for each person gets a key pair on
# /fsx; `keys` adds public keys of their own, one string each: "ssh-ed25519 AAAA... minh@laptop".

[[person]]
name = "minh"
uid = 2001
title = "Minh Nguyen"        # the full name; may be left out
keys = []

[[person]]
name = "linh"
uid = 2002
title = "Linh Tran"
keys = []

[[person]]
name = "an"
uid = 2003
title = "An Pham"
keys = []

[[person]]
name = "thu"
uid = 2004
title = "Thu Le"
keys = []

[[person]]
name = "duc"
uid = 2005
title = "Duc Hoang"
keys = []

[[person]]
name = "hoa"
uid = 2006
title = "Hoa Vo"
keys = []

# What nobody uses goes back to everybody.
[idle]
after = "2h"
warn = "30m"
','net2','10.77.8.0/22',0,0,0,X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F','ssh-ed25519 AAAA administrator','not a key','ssh-ed25519 AAAA','','','',0,'','',0,0,'');
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL, level INTEGER NOT NULL, resource INTEGER NOT NULL,
  cluster TEXT NOT NULL, group_name TEXT NOT NULL, node TEXT NOT NULL,
  actor TEXT NOT NULL, what TEXT NOT NULL, because TEXT NOT NULL
) STRICT;
INSERT INTO "events" VALUES(1,1795000000000,0,0,'university','','','root','university is Creating','root asked for it');
INSERT INTO "events" VALUES(2,1795000000001,1,0,'university','','','root','university is InService','root asked for it');
INSERT INTO "events" VALUES(3,1795000000002,0,0,'leaves','','','root','leaves is Deleting','root asked for it');
CREATE TABLE intents (
  key TEXT PRIMARY KEY,
  cluster_id TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
  attempt INTEGER NOT NULL, begun INTEGER NOT NULL,
  ended INTEGER,                           -- NULL: begun and perhaps half done
  outcome INTEGER NOT NULL, found TEXT NOT NULL, retry_at INTEGER NOT NULL
) STRICT;
INSERT INTO "intents" VALUES('leaves/gone-1/remove','leavesaaaaaa',2,1795000000000,NULL,0,'',0);
INSERT INTO "intents" VALUES('university/network/create','universityaa',1,1795000000000,1795000000005,0,'',0);
CREATE TABLE migrations (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT;
INSERT INTO "migrations" VALUES('001-first-cluster','2026-11-20 10:00:00');
INSERT INTO "migrations" VALUES('002-instance-types','2026-11-20 10:00:00');
INSERT INTO "migrations" VALUES('003-changes','2026-11-20 10:00:00');
INSERT INTO "migrations" VALUES('004-operations','2026-11-20 10:00:00');
INSERT INTO "migrations" VALUES('005-overlay','2026-11-20 10:00:00');
CREATE TABLE nodes (
  cluster_id TEXT NOT NULL REFERENCES clusters (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  group_name TEXT NOT NULL, number INTEGER NOT NULL,
  address TEXT NOT NULL UNIQUE,            -- no address twice, whatever happens
  instance_id TEXT NOT NULL UNIQUE,
  incarnation INTEGER NOT NULL,
  status TEXT NOT NULL, message TEXT NOT NULL, launched INTEGER NOT NULL, leaving INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (cluster_id, name)
) STRICT;
INSERT INTO "nodes" VALUES('universityaa','controller-machine-1','controller-machine',1,'10.77.0.2','i-00000000000000000',1,'Running','',1795000000000,0);
INSERT INTO "nodes" VALUES('universityaa','login-group-1','login-group',1,'10.77.0.3','i-00000000000000001',1,'Running','',1795000000000,0);
INSERT INTO "nodes" VALUES('universityaa','worker-group-1-1','worker-group-1',1,'10.77.0.4','i-00000000000000002',2,'Running','',1795000000000,0);
INSERT INTO "nodes" VALUES('universityaa','worker-group-1-2','worker-group-1',2,'10.77.0.5','i-00000000000000003',2,'Running','',1795000000000,1);
INSERT INTO "nodes" VALUES('leavesaaaaaa','gone-1','gone',1,'10.77.4.2','i-0000000000000aaaa',1,'ShuttingDown','it failed once',1795000000000,0);
CREATE TABLE removals (
  cluster TEXT PRIMARY KEY,
  cluster_id TEXT NOT NULL, state TEXT NOT NULL,
  was TEXT NOT NULL, left_over TEXT NOT NULL, kept TEXT NOT NULL, message TEXT NOT NULL
) STRICT;
INSERT INTO "removals" VALUES('earlier','earlieraaaaa','done','[]','[]','[]','');
CREATE TABLE settings (
  key TEXT PRIMARY KEY, value BLOB NOT NULL
) STRICT;
INSERT INTO "settings" VALUES('epoch',X'37');
INSERT INTO "settings" VALUES('authority.certificate',X'61206365727469666963617465');
CREATE TABLE step_times (
  kind TEXT PRIMARY KEY, seconds REAL NOT NULL  -- the last ones count most
) STRICT;
CREATE TABLE tokens (
  name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, created INTEGER NOT NULL
) STRICT;
INSERT INTO "tokens" VALUES('laptop','0000000000000000000000000000000000000000000000000000000000000000',1795000000000);
CREATE INDEX events_of_cluster ON events (cluster, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',3);
COMMIT;
