/** Where a run's numbers go beside its folder: TensorBoard, MLflow, Weights &amp; Biases. */
@NullMarked
package org.minpro.tracker;

import org.jspecify.annotations.NullMarked;
