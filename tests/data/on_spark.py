"""Ask Spark queries about a log in Parquet, in a process of its own, which takes its Java with it.

    python tests/data/on_spark.py LOG QUERIES OUT

LOG is a folder of Parquet files, QUERIES a JSON file of queries by name. OUT gets of each result a folder, as
Spark writes it, and a pickle of the frame that ``toPandas`` makes; ``told.json`` holds seconds and version.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path


def missing():
    """What is not here that Spark needs; empty if nothing."""
    if importlib.util.find_spec("pyspark") is None:
        return "pyspark is not installed: %pip install pyspark"
    return "" if shutil.which("java") or os.environ.get("JAVA_HOME") else "pyspark has no Java: install one"


def asked(log, queries, out, memory="1g"):
    """Ask the queries of the log; what was told."""
    out.mkdir(parents=True)
    (out / "queries.json").write_text(json.dumps(queries))
    (out / "java").mkdir()
    here = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_DIRS": str(out / "java"), "SPARK_MEMORY": memory}
    here |= {"JAVA_TOOL_OPTIONS": f"-XX:-UsePerfData -Djava.io.tmpdir={out / 'java'}"}
    command = [sys.executable, __file__, str(log), str(out / "queries.json"), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | here, timeout=580)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((out / "told.json").read_text())


def answer(log, queries, out):
    from pyspark import __version__
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.driver.memory", os.environ["SPARK_MEMORY"])
        .config("spark.sql.warehouse.dir", str(out / "java"))
        .getOrCreate()
    )
    spark.read.parquet(log).createOrReplaceTempView("log")
    told = {"spark": __version__, "seconds": {}}
    for name, query in queries.items():
        start, found = time.perf_counter(), spark.sql(query)
        found.write.parquet(str(out / name))
        told["seconds"][name] = time.perf_counter() - start
        found.toPandas().to_pickle(out / f"{name}.pickle")
    spark.stop()
    (out / "told.json").write_text(json.dumps(told))


if __name__ == "__main__":
    log, queries, out = sys.argv[1:]
    answer(log, json.loads(Path(queries).read_text()), Path(out))
