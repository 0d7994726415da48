/** Charts as SVG: readable by the colour-blind, on light and on dark, without a script. */
@NullMarked
package org.minpro.chart;

import org.jspecify.annotations.NullMarked;
