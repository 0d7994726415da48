/** Functions that a policy may call: Java methods, and how models write calls. */
@NullMarked
package org.minpro.tool;

import org.jspecify.annotations.NullMarked;
