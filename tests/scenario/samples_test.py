"""HyperPod's own samples, made for real: each comes into service and runs a job in each partition, over
all of its nodes. And the site's own instance types and prices, which provostd reads."""

import json
import pathlib
import tempfile
import unittest

import host
from host import REPOSITORY

SAMPLES = REPOSITORY / "tests" / "files" / "samples"
SCRIPT = '#!/bin/bash\nset -e\ntest -s /opt/ml/config/resource_config.json\necho "set up as a HyperPod node"\n'


class Samples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.types = pathlib.Path(cls.folder.name, "types.csv")
        cls.daemon = host.Provostd("samples", "10.213.80.0/20", 17474, ("--types", cls.types))
        cls.daemon.clear_leftovers()
        cls.before = host.picture_of_host()
        cls.daemon.start()
        scripts = pathlib.Path(cls.folder.name, "scripts")
        scripts.mkdir()
        (scripts / "on_create.sh").write_text(SCRIPT)
        for bucket, prefix in (("sagemaker-lifecycle-0123456789", "src"),
                               ("sagemaker-us-west-2-111122223333", "lifecycle/src"),
                               ("amzn-s3-demo-bucket", "lifecycle-scripts/src")):
            cls.daemon.put_bucket(scripts, bucket, prefix)

    @classmethod
    def tearDownClass(cls):
        cls.daemon.remove_everything()
        cls.folder.cleanup()

    def runs_everywhere(self, name, partitions, *files):
        self.daemon.provost("create", *files)
        try:
            login = next(node["name"] for node in self.daemon.cluster(name)["nodes"] if node["role"] == "login")
            for partition, count in partitions.items():
                ran = self.daemon.as_user(login, "ubuntu", f"srun -p {partition} -N{count} hostname")
                self.assertEqual(len(set(ran.out.split())), count, (partition, ran))
            log = self.daemon.provost("logs", login, "--unit", "lifecycle").out
            self.assertIn("set up as a HyperPod node", log)
        finally:
            self.daemon.provost("delete", name, "--yes", "--with-data")
        self.assertEqual(host.differences(self.before, host.picture_of_host()), [])

    def test_010_the_workshop_s(self):
        self.runs_everywhere("ml-cluster", {"ml.c5.4xlarge": 4, "dev": 4},
                             "--cluster-config", SAMPLES / "cluster-config.workshop-automation.json",
                             "--provisioning-parameters", SAMPLES / "provisioning_parameters.workshop-automation.json")

    def test_020_the_api_driven_one(self):
        self.runs_everywhere("ml-training-cluster", {"gpu-training": 8, "cpu-preprocessing": 4, "dev": 12},
                             "--cluster-config", SAMPLES / "create_cluster.api-driven.json")

    def test_030_the_continuous_one(self):
        self.runs_everywhere("my-training-cluster", {"gpu-training": 16, "dev": 16},
                             "--cluster-config", SAMPLES / "create_cluster.continuous.json")

    def test_100_a_bucket_that_nobody_made_warns_and_then_refuses(self):
        files = ("--cluster-config", self.changed(lambda config: config["InstanceGroups"][0]["LifeCycleConfig"].update(
            SourceS3Uri="s3://sagemaker-nobody-made/src")))
        checked = self.daemon.provost("validate", *files)
        self.assertIn("warning: there is no bucket", checked.out)
        self.assertIn("sound, with 1 warning", checked.out)
        refused = self.daemon.provost("create", *files, check=False)
        self.assertEqual(refused.status, 1)
        self.assertIn("error: there is no bucket", refused.err)
        self.assertEqual(self.daemon.provost("list", "--json").json()["clusters"], [])

    def changed(self, change):
        config = json.loads((SAMPLES / "create_cluster.api-driven.json").read_text())
        config["InstanceGroups"] = config["InstanceGroups"][:2] + config["InstanceGroups"][3:]
        config["InstanceGroups"][2]["InstanceCount"] = 1
        change(config)
        path = pathlib.Path(self.folder.name, "cluster-config.json")
        path.write_text(json.dumps(config, indent=1))
        return path

    def test_200_the_site_s_own_types_and_prices(self):
        self.types.write_text("type,vcpus,memory_mib,accelerator,accelerators,price_per_hour\n"
                              "ml.campus.huge,2,4096,h200,4,2.5\nml.m5.xlarge,,,,,0.01\n")
        listed = self.daemon.provost("types", "campus").out
        self.assertIn("4 x h200", listed)
        self.assertIn("the site", listed)
        files = ("--cluster-config", self.changed(
            lambda config: config["InstanceGroups"][2].update(InstanceType="ml.campus.huge")))
        self.assertIn("2.5", self.daemon.provost("explain", *files).out)
        begun = pathlib.Path(self.folder.name, "begun")
        self.daemon.provost("init", begun, "--yes", "--compute", "big:ml.campus.huge:2", "--department", "nlp:linh,minh")
        self.assertIn("sound", self.daemon.provost("validate", "--cluster-config", begun / "cluster-config.json",
                                                   "--provisioning-parameters", begun / "provisioning-parameters.json",
                                                   "--campus", begun / "campus.toml").out)
        self.daemon.provost("create", *files)
        self.types.write_text("type,vcpus\nml.broken,many\n")  # what is there already stays what it is
        self.daemon.restart()
        node = self.daemon.on("login-1", "scontrol", "show", "node", "cpu-compute-1").out
        self.assertIn("gpu:h200:4", node)
        broken = self.daemon.provost("validate", *files, check=False)
        self.assertEqual(broken.status, 1)
        self.assertIn(f"{self.types}:2", broken.out)
        self.types.unlink()
        unknown = self.daemon.provost("validate", *files, check=False)
        self.assertIn("none of the 123", unknown.out)
        self.daemon.provost("delete", "ml-training-cluster", "--yes", "--with-data")


if __name__ == "__main__":
    unittest.main(verbosity=2)
