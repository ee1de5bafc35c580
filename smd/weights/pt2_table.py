"""The operations that a .pt2 file may name: computations of ATen that an image classifier is made
of. None of them reads or writes a file, runs code of the file, or draws at random."""


def names(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


ELEMENTWISE = names(
    "abs add ceil celu clamp clamp_max clamp_min cos div elu eq erf exp expm1 floor floor_divide"
    " ge gelu glu gt hardsigmoid hardswish hardtanh le leaky_relu log log1p log_sigmoid logical_and"
    " logical_not logical_or lt masked_fill maximum minimum mish mul ne neg pow prelu reciprocal"
    " relu relu6 remainder round rsqrt rsub selu sigmoid sign silu sin softplus sqrt square sub"
    " tanh threshold where"
)
REDUCTIONS = names(
    "all amax amin any argmax argmin cumsum linalg_vector_norm log_softmax logsumexp max mean min"
    " norm prod softmax std std_mean sum var var_mean _log_softmax _softmax"
)
LAYERS = names(
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d"
    " adaptive_max_pool2d adaptive_max_pool3d addmm avg_pool1d avg_pool2d avg_pool3d baddbmm"
    " batch_norm bmm conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"
    " convolution dropout einsum feature_dropout group_norm instance_norm layer_norm linear matmul"
    " max_pool1d max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices mm"
    " native_group_norm native_layer_norm rms_norm scaled_dot_product_attention"
    " upsample_bicubic2d upsample_bilinear2d upsample_nearest2d upsample_nearest3d"
    " upsample_trilinear3d _adaptive_avg_pool2d _adaptive_avg_pool3d"
    " _native_batch_norm_legit_no_training"
)
SHAPES = names(
    "alias broadcast_to cat channel_shuffle chunk clone constant_pad_nd contiguous detach expand"
    " expand_as flatten flip full_like gather index index_select lift_fresh_copy movedim narrow"
    " new_full new_ones new_zeros ones_like pad permute pixel_shuffle pixel_unshuffle"
    " reflection_pad1d reflection_pad2d reflection_pad3d repeat replication_pad1d"
    " replication_pad2d replication_pad3d reshape roll select slice split split_with_sizes squeeze"
    " stack t tile to transpose tril triu type_as unbind unflatten unsqueeze view view_as"
    " zeros_like _assert_tensor_metadata _to_copy _unsafe_view sym_size sym_numel"
)
FACTORIES = names("arange full ones scalar_tensor zeros")  # need to be told where
KNOWN = ELEMENTWISE | REDUCTIONS | LAYERS | SHAPES | FACTORIES
IN_PLACE = {f"{name}_" for name in ELEMENTWISE} | {"copy_", "dropout_", "fill_", "zero_"}
# what they give shares the memory of what they take
ALIASES = names(
    "alias broadcast_to chunk contiguous detach expand expand_as flatten movedim narrow permute"
    " reshape select slice split split_with_sizes squeeze t to transpose unbind unflatten unsqueeze"
    " view view_as"
)
