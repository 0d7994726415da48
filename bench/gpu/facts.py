"""facts.py: what a machine has to compute with, in a few lines; torch is not imported."""

import glob
import importlib.metadata
import importlib.util
import os
import platform
import re
import subprocess
import sys

# The libraries that libtorch with CUDA 13 is linked to.
WANTED = """libcudart.so.13 libcupti.so.13 libcublas.so.13 libcublasLt.so.13 libcudnn.so.9 libcudnn_graph.so.9 libcudnn_ops.so.9
    libcusparse.so.12 libcufft.so.12 libcufile.so.0 libcurand.so.10 libcusolver.so.12 libnccl.so.2 libnvJitLink.so.13
    libcusparseLt.so.0 libnvshmem_host.so.3 libtorch_cpu.so libtorch_cuda.so libc10_cuda.so""".split()
PACKAGES = "torch transformers accelerate pyarrow pandas numpy datasets trl triton huggingface-hub".split()


def answer(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip() or "nothing"
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"{command[0]}: {problem}"


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


print("python", sys.version.split()[0], sys.executable, "| glibc", platform.libc_ver()[1], "| kernel", platform.release(),
      "| processors", os.cpu_count())
print("card:", answer("nvidia-smi", "--query-gpu=name,driver_version,memory.total,memory.used,compute_cap", "--format=csv,noheader"))
found = importlib.util.find_spec("torch")
if found is None:
    sys.exit("facts: this Python must have torch, got: none")
torch = found.submodule_search_locations[0]
libraries = {
    os.path.basename(file)
    for folder in [f"{torch}/lib", *glob.glob(f"{os.path.dirname(torch)}/nvidia/*/lib")] for file in glob.glob(f"{folder}/*.so*")}
print("torch:", torch, *re.findall(r"^(?:__version__|cuda\b.*) = .*", open(f"{torch}/version.py").read(), re.M))
print("libraries of CUDA that are missing:", ", ".join(name for name in WANTED if name not in libraries) or "none")
print("driver's library:", answer("sh", "-c", "ldconfig -p | grep 'libcuda.so.1'"))
print("packages:", ", ".join(f"{package} {version(package)}" for package in PACKAGES))
