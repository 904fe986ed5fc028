# The package on top of ROS 2, made by the same script as on a machine with ROS.
#
#   docker build --tag inril_ros .
#   docker run --rm --gpus all --shm-size 256m inril_ros inril demo
#
# Build arguments:
#   ROS_IMAGE    ROS 2 image to start from; it must have rosdep, as ros:jazzy and ros:kilted do
#   TORCH_INDEX  package index for torch. The default build of torch brings CUDA: several gigabytes.
#                PyTorch's index of CPU builds makes a small image, and its other indexes have builds
#                for certain CUDA versions.
ARG ROS_IMAGE=ros:jazzy
FROM ${ROS_IMAGE}

ARG TORCH_INDEX=
# With --gpus, the driver's libraries are put into the container: those of CUDA, and EGL to render.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics
SHELL ["/bin/bash", "-o", "pipefail", "-c"]

WORKDIR /inril_ros
COPY . .
# hadolint ignore=SC1091
RUN --mount=type=cache,target=/pip_cache \
    source "/opt/ros/$ROS_DISTRO/setup.bash" && \
    rosdep update --rosdistro "$ROS_DISTRO" && \
    INRIL_TORCH_INDEX=$TORCH_INDEX PIP_CACHE_DIR=/pip_cache scripts/setup.sh && \
    rm -rf /var/lib/apt/lists/*

# /ros_entrypoint.sh sources the ROS 2 distribution.
ENTRYPOINT ["/ros_entrypoint.sh", "bash", "-c", "source /inril_ros/.venv/env.sh && exec \"$@\"", "inril_ros"]
CMD ["bash"]
