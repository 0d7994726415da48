/** Reports: what stands in them, and how it becomes a page or a text. */
@NullMarked
package org.minpro.report;

import org.jspecify.annotations.NullMarked;
